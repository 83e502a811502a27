//! The black-box tests: the built binary against strict models of the three servers, from outside.

mod support;
