//! The compiler's interface: options, logs, headers, images.
#![allow(unsafe_code)]

mod common;

use std::ffi::{CStr, CString};
use std::ptr::null_mut;

use common::simulator;
use cudarc::driver::CudaContext;
use cudarc::driver::sys::{self as driver, CUresult};
use cudarc::nvrtc::sys::{self, nvrtcProgram, nvrtcResult};

/// A program, which is destroyed in the end.
struct Program(nvrtcProgram);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: the program lives until here.
        unsafe { sys::nvrtcDestroyProgram(&mut self.0) };
    }
}

fn strings(texts: &[&str]) -> Vec<CString> {
    texts
        .iter()
        .map(|text| CString::new(*text).unwrap())
        .collect()
}

fn pointers(strings: &[CString]) -> Vec<*const std::ffi::c_char> {
    strings.iter().map(|string| string.as_ptr()).collect()
}

impl Program {
    fn new(source: &str, headers: &[(&str, &str)]) -> Self {
        let mut program = null_mut();
        let source = CString::new(source).unwrap();
        let names = strings(&headers.iter().map(|header| header.0).collect::<Vec<_>>());
        let texts = strings(&headers.iter().map(|header| header.1).collect::<Vec<_>>());
        // SAFETY: all strings live during the call, and there are as many names as headers.
        let outcome = unsafe {
            sys::nvrtcCreateProgram(
                &mut program,
                source.as_ptr(),
                c"test.cu".as_ptr(),
                headers.len() as i32,
                pointers(&texts).as_ptr(),
                pointers(&names).as_ptr(),
            )
        };
        assert_eq!(outcome, nvrtcResult::NVRTC_SUCCESS);
        Program(program)
    }

    fn compile(&self, options: &[&str]) -> nvrtcResult {
        let options = strings(options);
        // SAFETY: the program lives, and there are as many options as told.
        unsafe {
            sys::nvrtcCompileProgram(self.0, options.len() as i32, pointers(&options).as_ptr())
        }
    }

    fn log(&self) -> String {
        let mut size = 0;
        // SAFETY: the log is as long as told.
        unsafe {
            sys::nvrtcGetProgramLogSize(self.0, &mut size);
            let mut log = vec![0u8; size];
            sys::nvrtcGetProgramLog(self.0, log.as_mut_ptr().cast());
            CStr::from_bytes_with_nul(&log)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        }
    }

    fn cubin(&self) -> Vec<u8> {
        let mut size = 0;
        // SAFETY: the image is as long as told.
        unsafe {
            assert_eq!(
                sys::nvrtcGetCUBINSize(self.0, &mut size),
                nvrtcResult::NVRTC_SUCCESS
            );
            let mut image = vec![0u8; size];
            if size > 0 {
                assert_eq!(
                    sys::nvrtcGetCUBIN(self.0, image.as_mut_ptr().cast()),
                    nvrtcResult::NVRTC_SUCCESS
                );
            }
            image
        }
    }
}

const SUCCESS: nvrtcResult = nvrtcResult::NVRTC_SUCCESS;
const FINE: &str = "extern \"C\" __global__ void fine(int* x) { x[0] = VALUE; }";

#[test]
fn version_and_architectures() {
    if simulator().is_none() {
        return;
    }
    let (mut major, mut minor, mut count) = (0, 0, 0);
    // SAFETY: there is room for what is written.
    unsafe {
        assert_eq!(sys::nvrtcVersion(&mut major, &mut minor), SUCCESS);
        assert_eq!(sys::nvrtcGetNumSupportedArchs(&mut count), SUCCESS);
        let mut architectures = vec![0; count as usize];
        assert_eq!(
            sys::nvrtcGetSupportedArchs(architectures.as_mut_ptr()),
            SUCCESS
        );
        assert!(
            architectures.contains(&80) && architectures.contains(&90),
            "{architectures:?}"
        );
        let text = CStr::from_ptr(sys::nvrtcGetErrorString(
            nvrtcResult::NVRTC_ERROR_COMPILATION,
        ));
        assert_eq!(text, c"NVRTC_ERROR_COMPILATION");
    }
    assert_eq!((major, minor), (13, 0));
}

#[test]
fn macros_and_options() {
    if simulator().is_none() {
        return;
    }
    let program = Program::new(FINE, &[]);
    let accepted: [&[&str]; 6] = [
        &["-DVALUE=3"],
        &["-D", "VALUE=3", "--gpu-architecture=sm_90a"],
        &[
            "--define-macro=VALUE=3",
            "-arch=compute_80",
            "--std=c++17",
            "--fmad=false",
        ],
        &[
            "-DVALUE",
            "--use_fast_math",
            "-lineinfo",
            "--maxrregcount=64",
            "-default-device",
        ],
        &[
            "-DVALUE=3",
            "-I",
            "/nowhere",
            "--include-path=/nowhere",
            "-std=c++20",
        ],
        &[
            "-DVALUE=3",
            "--ptxas-options",
            "-v",
            "--restrict",
            "--extra-device-vectorization",
        ],
    ];
    for options in accepted {
        assert_eq!(
            program.compile(options),
            SUCCESS,
            "{options:?}: {}",
            program.log()
        );
    }
    let refused: [&[&str]; 9] = [
        &["-O3"],
        &["--gpu-architecture=sm_61"],
        &["--gpu-architecture=hopper"],
        &["--std=c++98"],
        &["--fmad=maybe"],
        &["--std", "c++17"],
        &["--use_fast_math=true"],
        &["--ftz"],
        &["-Werror"],
    ];
    for options in refused {
        let outcome = program.compile(options);
        assert_eq!(
            outcome,
            nvrtcResult::NVRTC_ERROR_INVALID_OPTION,
            "{options:?}"
        );
        assert!(
            program.log().starts_with("nvrtc: error"),
            "{}",
            program.log()
        );
    }
}

/// A source, the names and texts of its headers, and what the log must tell.
type Mistake = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

#[test]
fn errors_tell_file_and_line() {
    if simulator().is_none() {
        return;
    }
    let cases: [Mistake; 6] = [
        (
            "\n\nextern \"C\" __global__ void k(int* x) { x[0] = y; }",
            &[],
            "test.cu:3:",
        ),
        (
            "#define A\n#if 1\nint f() { return }\n#endif",
            &[],
            "test.cu:3:",
        ),
        (
            "#include \"part.h\"\n",
            &[("part.h", "\nint f() { return }")],
            "part.h:2:",
        ),
        ("#include \"absent.h\"\n", &[], "test.cu:1:"),
        ("#include <math.h>\n", &[], "test.cu:1:"),
        (
            "// one\n__shared__ float s[4];\n",
            &[],
            "test.cu(2): error: the simulator knows __shared__ variables in functions",
        ),
    ];
    for (source, headers, place) in cases {
        let program = Program::new(source, headers);
        assert_eq!(
            program.compile(&[]),
            nvrtcResult::NVRTC_ERROR_COMPILATION,
            "{source}"
        );
        assert!(
            program.log().contains(place),
            "{place} is not in {}",
            program.log()
        );
    }
}

#[test]
fn headers_are_found() {
    if simulator().is_none() {
        return;
    }
    let source =
        "#include \"parts/value.h\"\nextern \"C\" __global__ void k(int* x) { x[0] = value(); }";
    let header = "#pragma once\n__device__ inline int value() { return __CUDA_ARCH__; }";
    let program = Program::new(source, &[("parts/value.h", header)]);
    assert_eq!(
        program.compile(&["--gpu-architecture=sm_80"]),
        SUCCESS,
        "{}",
        program.log()
    );
    let outside = Program::new(source, &[("../value.h", header)]);
    assert_ne!(outside.compile(&[]), SUCCESS);
}

/// A cubin is for a real architecture only, and can be kept on disk.
#[test]
fn images_are_cubins() {
    if simulator().is_none() {
        return;
    }
    let _context = CudaContext::new(0).unwrap();
    let program = Program::new(FINE, &[]);
    assert_eq!(
        program.compile(&["-DVALUE=3", "--gpu-architecture=compute_90"]),
        SUCCESS
    );
    assert_eq!(program.cubin(), []);
    assert_eq!(
        program.compile(&["-DVALUE=3", "--gpu-architecture=sm_90"]),
        SUCCESS
    );
    let image = program.cubin();
    let load = |image: &[u8]| {
        let mut module = null_mut();
        // SAFETY: the image has the size that its header tells, or is refused for its header.
        let outcome = unsafe { driver::cuModuleLoadData(&mut module, image.as_ptr().cast()) };
        if outcome == CUresult::CUDA_SUCCESS {
            // SAFETY: the module lives.
            unsafe { driver::cuModuleUnload(module) }.result().unwrap();
        }
        outcome
    };
    assert_eq!(load(&image), CUresult::CUDA_SUCCESS);
    let (mut module, none) = (null_mut(), null_mut());
    // SAFETY: the image is whole, and there are no options.
    let with_options = unsafe {
        driver::cuModuleLoadDataEx(&mut module, image.as_ptr().cast(), 0, none, null_mut())
    };
    assert_eq!(with_options, CUresult::CUDA_SUCCESS);
    let invalid = CUresult::CUDA_ERROR_INVALID_IMAGE;
    for place in [9, 64, image.len() / 3, image.len() / 2, image.len() - 1] {
        let mut damaged = image.clone();
        damaged[place] ^= 0x10;
        assert_eq!(load(&damaged), invalid, "byte {place} of {}", image.len());
    }
    assert_eq!(
        load(b".version 8.0\n.target sm_90\n\0........................................."),
        invalid
    );

    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join("image.cubin");
    let load_file = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let name = CString::new(path.to_str().unwrap()).unwrap();
        let mut module = null_mut();
        // SAFETY: the name ends with a null.
        unsafe { driver::cuModuleLoad(&mut module, name.as_ptr()) }
    };
    assert_eq!(load_file(&image), CUresult::CUDA_SUCCESS);
    assert_eq!(load_file(&image[..image.len() / 2]), invalid);
    assert_eq!(load_file(b""), invalid);
    std::fs::remove_file(&path).unwrap();
}
