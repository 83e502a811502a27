//! What is said where: lines for people, lines for programs, files.

mod junit;
mod output;
mod page;
