//! Names and places of a build farm's book: run ids, packages, hashes, times, and the cache tree
