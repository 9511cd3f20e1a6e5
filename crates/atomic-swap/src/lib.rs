//! Replace a file, a symlink or a folder in one step, and recover after a crash
