//! Self-contained pages and pictures of results.
