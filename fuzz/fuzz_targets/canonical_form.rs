#![no_main]

use libfuzzer_sys::fuzz_target;
use postiljon::mail::invariants;

fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = invariants::canonical_form(bytes) {
        panic!("{broken}");
    }
});
