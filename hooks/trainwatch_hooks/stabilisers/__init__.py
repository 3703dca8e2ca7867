"""One file per action on a training. The folder is the registry; nothing here is imported unless asked for."""
