//! What is said where: lines for people, lines for programs, files.

mod output;
mod page;
