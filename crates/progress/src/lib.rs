//! The run in flight, written for pollers and read by them
