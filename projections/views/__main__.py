"""Prints what describes the views: the part of docs/views.md, or with the argument `dbt` the file deploy/dbt/sources.yml."""

import sys

from projections.views import dbt, document

sys.stdout.write("\n".join(dbt.lines() if sys.argv[1:] == ["dbt"] else document.lines()) + "\n")
