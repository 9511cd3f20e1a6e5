//! What happened to each package in every run, append-only
