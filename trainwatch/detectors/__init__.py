"""One file per problem. The folder is the registry; see ``base.py`` for what a file must hold."""
