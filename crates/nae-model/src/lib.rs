//! Non-negative autoencoders and the file they live in.
