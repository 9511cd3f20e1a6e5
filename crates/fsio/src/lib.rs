//! File primitives: lock, append a record, sync a folder, remove a tree
