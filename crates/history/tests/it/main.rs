//! What a history promises, shown on real files by real processes.
