//! Learning one model from clean clips of one source.
