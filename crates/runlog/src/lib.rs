//! A build run from start to summary: plan, logs, events, and the latest link
