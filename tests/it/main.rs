//! The built program against the emulator.
