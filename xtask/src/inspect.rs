//! Looks into finished programs: which libraries they need, and that no path of this machine is in them.

use anyhow::{Context as _, Result, bail};
use object::Endianness;
use object::elf::{DT_NEEDED, FileHeader64};
use object::read::elf::ElfFile;
use std::path::Path;

/// How a program for Linux begins.
const ELF: &[u8] = b"\x7fELF";

/// How the name of a version of the C library begins.
const GLIBC: &str = "GLIBC_";

/// The version of the C library in Lambda's runtime `provided.al2023`.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html>
pub(crate) const GLIBC_OF_LAMBDA: Version = Version(2, 34);

/// The most bytes of a function. Lambda reads it at each cold start. `docs/performance.md` tells where the bytes go.
pub(crate) const LARGEST_FUNCTION: usize = 9_500_000;

/// A version of the C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32);

/// The requirements of a program on the machine that runs it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Libraries, for example `libc.so.6`. A static program needs none.
    pub(crate) libraries: Vec<String>,
    /// The least version of the C library (glibc).
    pub(crate) glibc: Option<Version>,
}

impl Needs {
    /// Reads a program for Linux with 64 bits. `None` for programs of other systems.
    ///
    /// # Errors
    /// The program is damaged.
    pub(crate) fn of(program: &[u8]) -> Result<Option<Self>> {
        if !program.starts_with(ELF) {
            return Ok(None);
        }
        let file = ElfFile::<FileHeader64<Endianness>>::parse(program)
            .context("this is not a program of 64 bits")?;
        let mut needs = Self::default();
        let table = file.elf_dynamic_table()?;
        for entry in table.iter().filter(|entry| entry.tag == DT_NEEDED) {
            needs.libraries.push(String::from_utf8_lossy(table.string(entry)?).into_owned());
        }
        needs.libraries.sort();
        let (endian, sections) = (file.endian(), file.elf_section_table());
        if let Some((libraries, link)) = sections.gnu_verneed(endian, program)? {
            let strings = sections.strings(endian, program, link)?;
            for library in libraries {
                for version in library?.1 {
                    let name = String::from_utf8_lossy(version?.name(endian, strings)?).into_owned();
                    needs.glibc = needs.glibc.max(version_of(&name));
                }
            }
        }
        Ok(Some(needs))
    }

    /// One line for people.
    pub(crate) fn shown(&self) -> String {
        match self.glibc {
            _ if self.libraries.is_empty() => "static: needs no library".to_owned(),
            Some(Version(major, minor)) => {
                format!("needs {} (glibc {major}.{minor} or later)", self.libraries.join(", "))
            }
            None => format!("needs {}", self.libraries.join(", ")),
        }
    }
}

fn version_of(name: &str) -> Option<Version> {
    let mut numbers = name.strip_prefix(GLIBC)?.split('.').map(str::parse);
    Some(Version(numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Fails if one of these folders is named in a program: then the program tells where it was compiled, and another machine gives
/// other bytes. Folders at the top, such as `/src`, are not looked for: paths of others end in their names.
///
/// # Errors
/// One of them is.
pub(crate) fn check_paths<'a>(program: &[u8], folders: impl Iterator<Item = &'a Path>) -> Result<()> {
    let is_distinct = |folder: &&Path| folder.components().count() > 2;
    for folder in folders.filter(is_distinct) {
        let name = folder.display().to_string();
        if let Some(at) = find(program, name.as_bytes()) {
            let rest = program.get(at..).unwrap_or_default();
            let text: Vec<u8> =
                rest.iter().copied().take(120).take_while(|byte| (0x20..0x7f).contains(byte)).collect();
            bail!("a path of this machine is in the program: {}", String::from_utf8_lossy(&text));
        }
    }
    Ok(())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_needs_of_a_program_are_those_that_the_loader_reads() {
        let itself = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let needs = Needs::of(&itself).unwrap().unwrap();
        assert!(needs.libraries.contains(&"libc.so.6".to_owned()), "{needs:?}");
        assert!(needs.glibc >= Some(Version(2, 17)), "{needs:?}");
        assert!(needs.shown().contains("or later"), "{}", needs.shown());
        assert_eq!(Needs::default().shown(), "static: needs no library");
    }

    #[test]
    fn other_files_are_not_inspected_and_damaged_ones_are_an_error() {
        assert_eq!(Needs::of(b"#!/bin/sh\n").unwrap(), None);
        assert!(Needs::of(b"\x7fELF and no more").is_err());
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version_of("GLIBC_2.4") < version_of("GLIBC_2.34"));
        assert_eq!(version_of("GLIBC_2.2.5"), Some(Version(2, 2)));
        assert_eq!(version_of("GLIBC_PRIVATE"), None);
        assert_eq!(version_of("GCC_3.0"), None);
    }

    #[test]
    fn a_path_of_this_machine_is_found() {
        let folders = || ["/home/someone", "/src", "/build/here"].map(Path::new).into_iter();
        assert!(check_paths(b"\0/cargo/registry/src/x.rs\0", folders()).is_ok());
        let error = check_paths(b"\0\x01/build/here/x.rs\0\xff", folders()).unwrap_err().to_string();
        assert!(error.ends_with("/build/here/x.rs"), "{error}");
    }
}
