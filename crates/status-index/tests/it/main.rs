//! What the index promises, shown on real files.
