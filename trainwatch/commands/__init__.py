"""One file per subcommand. The folder is the registry."""
