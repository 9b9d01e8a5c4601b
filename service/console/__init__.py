"""The console at /console: pages for people with a role, over the management API of the same process.

No rule stands here. A page asks the management API, whose checks, limits, records and refusals are those of every other caller.
"""
