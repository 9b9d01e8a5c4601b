"""The tiles of the tree over the issuance log."""

from projections.catch_up import ISSUANCE_LEAVES, CatchUp
from projections.tiles import KEY, Row, project

PROJECTION = CatchUp(name="issuance_tiles", version=2, follows=ISSUANCE_LEAVES, row=Row, key=KEY, project=project)
