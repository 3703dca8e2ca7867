"""What may spoil a training, looked at before it begins. One file per check; the folder is the registry."""
