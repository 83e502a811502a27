//! From the arguments to a checked command: what is understood, what is refused, and the texts that help.

mod arguments;
mod completions;
mod examples;
mod options;
