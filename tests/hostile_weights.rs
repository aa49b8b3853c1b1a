//! Damaged and hostile weights files. Reading any bytes gives weights or an error, in little memory and time.

mod common;

use common::TINY;
use common::mat::Mat;
use impasto::weights::{self, Bytes, Format, ReadOptions};
use peak_alloc::PeakAlloc;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::io::Write;
use std::time::{Duration, Instant};

const LITTLE: Mat = Mat { big_endian: false };

/// Counts the allocated memory.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Files of each format, at least one for each variant.
const FILES: [(Format, &[&str]); 5] = [
    (
        Format::Safetensors,
        &["tiny.safetensors", "timm.safetensors"],
    ),
    (
        Format::PyTorch,
        &[
            "caffe.pth",
            "torchvision_bn.pth",
            "caffe_legacy.pth",
            "johnson_legacy.pth",
        ],
    ),
    (
        Format::Matlab,
        &["matconvnet.mat", "matconvnet_plain.mat", "flat.mat"],
    ),
    (
        Format::Hdf5,
        &["keras_1.h5", "keras_chunked.h5", "keras_3.h5"],
    ),
    (Format::Npz, &["hwio.npz", "oihw_fortran.npz"]),
];

/// The number of mutated files of each format.
const MUTATIONS: usize = 10_000;

/// The most memory that reading one of these files may take, in bytes. The files have at most 70 kB, but compressed data may
/// grow to this size.
const MAX_MEMORY: usize = 16 << 20;

/// The most time that reading a file may take. A file of 70 kB usually takes about 0.1 ms.
const MAX_TIME: Duration = Duration::from_secs(2);

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!(
        "{}/tests/weights/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

/// Reads the bytes as a file of this format, within the limits above. Returns whether they are weights.
fn read(format: Format, bytes: Vec<u8>, what: &dyn Fn() -> String) -> bool {
    let options = ReadOptions {
        format: Some(format),
        candidates: &[TINY],
        ..ReadOptions::default()
    };
    let bytes = Bytes::from(bytes);
    let begin = Instant::now();
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let result = weights::read(&bytes, &options);
    let memory = ALLOCATED.peak_usage() - before;
    assert!(memory < MAX_MEMORY, "{}: {memory} bytes of memory", what());
    assert!(
        begin.elapsed() < MAX_TIME,
        "{}: {:?}",
        what(),
        begin.elapsed()
    );
    if let Err(error) = &result {
        let message = error.to_string();
        assert!(
            !message.is_empty() && message.len() < 4000,
            "{}: {message:?}",
            what()
        );
    }
    result.is_ok()
}

/// Changes some bytes, as a bad disk, a broken transfer or an attacker would.
fn mutate(bytes: &mut Vec<u8>, rng: &mut Pcg64Mcg) {
    for _ in 0..rng.random_range(1..=4) {
        if bytes.is_empty() {
            return;
        }
        // Most of a file is numbers, which may have any value. The structure is at its ends.
        let at = match rng.random_range(0..4) {
            0 => rng.random_range(0..bytes.len().min(600)),
            1 => bytes.len() - 1 - rng.random_range(0..bytes.len().min(600)),
            _ => rng.random_range(0..bytes.len()),
        };
        let extreme = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)];
        match rng.random_range(0..7) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = rng.random(),
            2 => {
                // A length that is far too large, or zero.
                let end = bytes.len().min(at + [2, 4, 8][rng.random_range(0..3)]);
                bytes[at..end].fill(extreme);
            }
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..bytes.len().min(at + rng.random_range(1..20)))),
            5 => {
                let piece = bytes[at..bytes.len().min(at + rng.random_range(1..200))].to_vec();
                let to = rng.random_range(0..=bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let from = rng.random_range(0..bytes.len());
                let length = rng.random_range(1..64).min(bytes.len() - at.max(from));
                bytes.copy_within(from..from + length, at);
            }
        }
    }
}

/// The parts run one after the other, because the allocated memory is counted for the whole program.
#[test]
fn no_file_takes_much_memory_or_time() {
    damaged_files();
    compressed_zeros();
    deep_nesting();
}

fn damaged_files() {
    for (format, files) in FILES {
        let mut accepted = 0;
        for (n, name) in files.iter().enumerate() {
            let whole = fixture(name);
            assert!(
                read(format, whole.clone(), &|| (*name).to_owned()),
                "{name}"
            );
            // Cut short at each byte near the ends, and at each 7th byte between.
            for length in 0..whole.len() {
                let near = length < 600 || length + 600 > whole.len();
                if near || length % 7 == 0 {
                    let what = || format!("{name}, {length} bytes of it");
                    let is_accepted = read(format, whole[..length].to_vec(), &what);
                    // The end of an HDF5 file may be unused; a MATLAB file may end behind any variable.
                    let may_be_accepted = matches!(format, Format::Hdf5 | Format::Matlab);
                    assert!(!is_accepted || may_be_accepted, "{} is accepted", what());
                }
            }
            let mut rng = Pcg64Mcg::seed_from_u64(n as u64);
            for mutation in 0..MUTATIONS / files.len() {
                let mut bytes = whole.clone();
                mutate(&mut bytes, &mut rng);
                accepted += usize::from(read(format, bytes, &|| {
                    format!("{name}, mutation {mutation}")
                }));
            }
        }
        // Some mutations change only numbers. Checksums detect most of these.
        let share = accepted as f64 / MUTATIONS as f64;
        let limit = if format == Format::Npz { 0.1 } else { 0.4 };
        assert!((0.01..limit).contains(&share), "{format}: {share} accepted");
    }
}

/// Files of 100 kB that unpack to 100 MB of zeros.
fn compressed_zeros() {
    let zeros = vec![0; 100 << 20];
    // 13 million numbers under the name of a layer; and a million empty cells.
    let numbers = LITTLE.value(6, &[1, 13 << 20], "conv1_1_w", &LITTLE.element(9, &zeros));
    let cells = LITTLE.element(14, &[]).repeat(1 << 20);
    let cells = LITTLE.value(1, &[1 << 20, 1], "layers", &cells);
    for variable in [numbers, cells] {
        let compressed = LITTLE.compressed(&variable);
        assert!(compressed.len() < variable.len() / 50);
        let what = || "compressed MATLAB variable".to_owned();
        assert!(!read(Format::Matlab, LITTLE.file(&compressed), &what));
    }
    // More data than the shape needs; and a shape that needs more memory than a convolution.
    for shape in ["(4, 3, 3, 3)", "(1000, 1000, 3, 3)"] {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}");
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, length) in [("conv1_1_w", zeros.len()), ("conv1_1_b", 16)] {
            let options = zip::write::SimpleFileOptions::default()
                .compression_method(zip::CompressionMethod::Deflated);
            archive.start_file(format!("{name}.npy"), options).unwrap();
            let header = if name.ends_with('b') {
                header.replace(shape, "(4,)")
            } else {
                header.clone()
            };
            archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
            archive
                .write_all(&(header.len() as u16).to_le_bytes())
                .unwrap();
            archive.write_all(header.as_bytes()).unwrap();
            archive.write_all(&zeros[..length]).unwrap();
        }
        let file = archive.finish().unwrap().into_inner();
        let is_accepted = read(Format::Npz, file, &|| format!("compressed array {shape}"));
        assert_eq!(is_accepted, shape == "(4, 3, 3, 3)");
    }
}

fn deep_nesting() {
    let mut cell = LITTLE.element(14, &[]);
    for _ in 0..10_000 {
        cell = LITTLE.value(1, &[1, 1], "layers", &cell);
    }
    assert!(!read(Format::Matlab, LITTLE.file(&cell), &|| {
        "nested cells".to_owned()
    }));
    let start = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02";
    let tuples = [b")".as_slice(), &b"\x85".repeat(100_000)].concat();
    let lists = b"]".repeat(100_000);
    let appended = [lists.as_slice(), &b"a".repeat(99_999)].concat();
    let list_in_itself = b"]q\x00h\x00a".to_vec();
    let dictionary_in_itself = b"}q\x00X\x01\x00\x00\x00kh\x00s".to_vec();
    let marks = b"(".repeat(100_000);
    for pickle in [
        tuples,
        lists,
        appended,
        list_in_itself,
        dictionary_in_itself,
        marks,
    ] {
        let file = [start, pickle.as_slice(), b".\x80\x02]."].concat();
        let what = || format!("nested pickle {:?}", &pickle[..4]);
        assert!(!read(Format::PyTorch, file, &what));
    }
    let header = "{\"a\":".repeat(100_000);
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    assert!(!read(Format::Safetensors, file, &|| "nested header".to_owned()));
    let header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': {}",
        "(".repeat(60_000)
    );
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.bytes());
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive
        .start_file("conv1_1_w.npy", zip::write::SimpleFileOptions::default())
        .unwrap();
    archive.write_all(&npy).unwrap();
    let file = archive.finish().unwrap().into_inner();
    assert!(!read(Format::Npz, file, &|| "nested shape".to_owned()));
}
