//! In place of an unwinder, in the static binary: 256 kB less. A panic aborts there, and the linker drops the tables
//! for unwinding (.cargo/static.ld), so LLVM's libunwind could not step over a single frame. The standard library
//! asks for it all the same: for the backtrace of a panic, and for clean-up that an abort never comes to. Here is all
//! that it asks for, so that the linker takes nothing from libunwind.a; and because link-time optimisation sees that a
//! backtrace has no frames, what would name them (readers of ELF and DWARF, an inflater, a demangler) goes too. A
//! panic looks the same as with libunwind: its message, and with RUST_BACKTRACE=1 a backtrace without frames.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK` of the platform's unwinding interface.
const END_OF_STACK: c_int = 5;

/// Calls `each` for every frame: there is none to be seen.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_each: *const c_void, _argument: *mut c_void) -> c_int {
    END_OF_STACK
}

macro_rules! never_called {
    ($(fn $name:ident($($parameter:ty),*) -> $result:ty;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name($(_: $parameter),*) -> $result {
            unreachable!("a panic aborts")
        }
    )*};
}

// What is asked about a frame, and what goes on to the next one. All of it, though little is left after optimisation:
// one that is missing here would be taken from libunwind.a, together with a second definition of the others.
never_called! {
    fn _Unwind_FindEnclosingFunction(*mut c_void) -> *mut c_void;
    fn _Unwind_GetCFA(*mut c_void) -> usize;
    fn _Unwind_GetDataRelBase(*mut c_void) -> usize;
    fn _Unwind_GetIP(*mut c_void) -> usize;
    fn _Unwind_GetIPInfo(*mut c_void, *mut c_int) -> usize;
    fn _Unwind_GetLanguageSpecificData(*mut c_void) -> *mut c_void;
    fn _Unwind_GetRegionStart(*mut c_void) -> usize;
    fn _Unwind_GetTextRelBase(*mut c_void) -> usize;
    fn _Unwind_Resume(*mut c_void) -> !;
    fn _Unwind_SetGR(*mut c_void, c_int, usize) -> ();
    fn _Unwind_SetIP(*mut c_void, usize) -> ();
}
