#![no_main]

mod read;

use impasto::weights::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| read::read(Some(Format::Hdf5), data));
