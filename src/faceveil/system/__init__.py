"""The machine: threads, files, folders, names, priorities."""
