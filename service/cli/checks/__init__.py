"""The checks of muniment doctor: one file for what each looks at."""
