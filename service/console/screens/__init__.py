"""The pages of the console. A module here has its pages in `SCREENS`; nothing else lists them."""
