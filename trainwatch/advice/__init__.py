"""One file per recommendation. The folder is the registry; see ``base.py`` for what a file must hold."""
