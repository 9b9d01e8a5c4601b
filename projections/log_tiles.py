"""The tiles of the tree over the event log."""

from projections.catch_up import LOG_LEAVES, CatchUp
from projections.tiles import KEY, Row, project

PROJECTION = CatchUp(name="log_tiles", version=2, follows=LOG_LEAVES, row=Row, key=KEY, project=project)
