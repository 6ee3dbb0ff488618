//! The packages of the functions: finds them, and checks their hashes.

use crate::DeployError;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// The longest package. Lambda takes 250 MB unpacked.
pub const LONGEST: u64 = 250 << 20;

/// The longest list of hashes.
const LONGEST_SUMS: u64 = 1 << 20;

/// The file with the hashes.
pub const SUMS: &str = "SHA256SUMS";

/// How the packages are made.
pub const HOW_TO_BUILD: &str = "name the folder of a release with --packages, or build them: `cargo xtask dist`, or `cargo lambda build \
                                --profile lambda --arm64 --output-format zip -p tag-handler -p session-handler`";

/// The processors of functions, as the parameter `Architecture` of the templates names them.
const ARCHITECTURES: [&str; 2] = ["arm64", "x86_64"];

/// The function of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// `tag-handler`.
    Tag,
    /// `session-handler`.
    Session,
}

impl Function {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Tag, Self::Session];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag-handler",
            Self::Session => "session-handler",
        }
    }

    /// The name of its package in the bucket, and in a folder with packages of one version and one processor.
    pub fn file(self) -> &'static str {
        match self {
            Self::Tag => "tag-handler.zip",
            Self::Session => "session-handler.zip",
        }
    }

    /// The path of its package below the folder that `cargo lambda` fills.
    fn built(self) -> PathBuf {
        Path::new(self.name()).join("bootstrap.zip")
    }
}

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sum(pub [u8; 32]);

impl Sum {
    /// The hash of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// In base64, as S3 and Lambda write it.
    pub fn base64(&self) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(self.0)
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A package.
#[derive(Clone)]
pub struct Package {
    /// The function that the package is for.
    pub function: Function,
    /// The zip file.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub sum: Sum,
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Package({}, {} bytes, {})", self.function.name(), self.bytes.len(), self.sum)
    }
}

/// The packages of both functions.
#[derive(Debug, Clone)]
pub struct Packages {
    /// Both, in the order of [`Function::ALL`].
    pub all: Vec<Package>,
    /// True if a list of hashes was there. If so, both are in it.
    pub checked: bool,
    /// The processor that the names of the files end in: the value of the parameter `Architecture`.
    pub architecture: Option<&'static str>,
}

impl Packages {
    /// From the bytes of both packages and the text of the list of hashes.
    ///
    /// # Errors
    /// A package is not a zip file, has another hash than in the list, or is not in the list.
    pub fn new(files: Vec<(Function, String, Vec<u8>)>, sums: Option<&str>) -> Result<Self, DeployError> {
        let mut all = Vec::new();
        for (function, path, bytes) in files {
            let sum = Sum::of(&bytes);
            if !bytes.starts_with(b"PK") {
                return Err(DeployError::usage(format!(
                    "--packages: `{path}` is not a zip file; {HOW_TO_BUILD}"
                )));
            }
            if let Some(sums) = sums {
                check(sums, function, &path, sum)?;
            }
            all.push(Package { function, bytes, sum });
        }
        Ok(Self { all, checked: sums.is_some(), architecture: None })
    }

    /// From a folder: that of a release, with `tag-handler-0.1.0-x86_64.zip` or `tag-handler.zip`, or that of `cargo lambda`, with
    /// `tag-handler/bootstrap.zip`. If `architecture` is given, packages for other processors do not count.
    ///
    /// # Errors
    /// As [`Packages::new`], or a file is missing, cannot be read or is too long, or several files fit.
    pub fn in_folder(folder: &Path, architecture: Option<&str>) -> Result<Self, DeployError> {
        let mut files = Vec::new();
        let mut architectures = Vec::new();
        for function in Function::ALL {
            let (path, architecture) = find(folder, function, architecture)?;
            files.push((function, path.display().to_string(), read(&path, LONGEST)?));
            architectures.push(architecture);
        }
        architectures.dedup();
        let [architecture] = architectures.as_slice() else {
            return Err(DeployError::usage(format!(
                "--packages: the packages in `{}` are for different processors; {HOW_TO_BUILD}",
                folder.display()
            )));
        };
        let sums = folder.join(SUMS);
        let sums = if sums.is_file() { Some(read(&sums, LONGEST_SUMS)?) } else { None };
        let sums = sums.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Self { architecture: *architecture, ..Self::new(files, sums.as_deref())? })
    }

    /// From the first of these folders that has a package.
    ///
    /// # Errors
    /// As [`Packages::in_folder`], or none of them has one.
    pub fn in_first_of(folders: &[&Path], architecture: Option<&str>) -> Result<Self, DeployError> {
        let has_one = |folder: &&&Path| Function::ALL.iter().any(|one| !candidates(folder, *one).is_empty());
        if let Some(folder) = folders.iter().find(has_one) {
            return Self::in_folder(folder, architecture);
        }
        let names: Vec<String> = folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
        Err(DeployError::usage(format!("no packages in {}; {HOW_TO_BUILD}", names.join(" or "))))
    }

    /// The hash of both packages and further texts, as twelve hexadecimal digits: another one when anything differs.
    pub fn fingerprint(&self, more: &[&str]) -> String {
        let mut hash = Sha256::new();
        for package in &self.all {
            hash.update(package.sum.0);
        }
        for text in more {
            hash.update(Sha256::digest(text.as_bytes()));
        }
        let digits = |byte: &u8| format!("{byte:02x}");
        hash.finalize().iter().take(6).map(digits).collect()
    }
}

/// The packages of a function in a folder, with the processor that their names end in.
fn candidates(folder: &Path, function: Function) -> Vec<(PathBuf, Option<&'static str>)> {
    let fixed = [folder.join(function.file()), folder.join(function.built())];
    if let Some(path) = fixed.into_iter().find(|path| path.is_file()) {
        return vec![(path, None)];
    }
    let start = format!("{}-", function.name());
    let names = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut found: Vec<_> = names
        .filter(|name| name.starts_with(&start))
        .filter_map(|name| {
            let is_end = |one: &&str| name.ends_with(&format!("-{one}.zip"));
            let architecture = ARCHITECTURES.into_iter().find(is_end)?;
            Some((folder.join(name), Some(architecture)))
        })
        .collect();
    found.sort();
    found
}

/// The package of a function.
fn find(
    folder: &Path,
    function: Function,
    architecture: Option<&str>,
) -> Result<(PathBuf, Option<&'static str>), DeployError> {
    let mut found = candidates(folder, function);
    found.retain(|(_, of)| of.is_none() || architecture.is_none() || *of == architecture);
    let shown = folder.display();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let of = architecture.map(|one| format!(" for {one}")).unwrap_or_default();
            Err(DeployError::usage(format!(
                "--packages: `{}` is not in `{shown}`, nor a package of a release{of}; {HOW_TO_BUILD}",
                function.file()
            )))
        }
        several => {
            let names = several.iter().filter_map(|(path, _)| path.file_name()?.to_str());
            let names: Vec<&str> = names.collect();
            Err(DeployError::usage(format!(
                "--packages: `{shown}` has several packages of {}: {}; keep those of one version, and choose a processor with \
                 --parameter Architecture=x86_64 or Architecture=arm64",
                function.name(),
                names.join(", ")
            )))
        }
    }
}

fn read(path: &Path, longest: u64) -> Result<Vec<u8>, DeployError> {
    let all = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(longest + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let shown = path.display();
    match all() {
        Ok(bytes) if u64::try_from(bytes.len()).is_ok_and(|length| length <= longest) => Ok(bytes),
        Ok(_) => Err(DeployError::usage(format!("--packages: `{shown}` has more than {longest} bytes"))),
        Err(error) => Err(DeployError::usage(format!("--packages: cannot read `{shown}`: {error}"))),
    }
}

/// Compares a package with the list of hashes, which `sha256sum` writes: the hash, two spaces or a space and a star, the path.
fn check(sums: &str, function: Function, path: &str, sum: Sum) -> Result<(), DeployError> {
    let own = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    let fixed = [function.file().to_owned(), function.built().display().to_string()];
    let ends: Vec<String> = own.filter(|name| name != "bootstrap.zip").into_iter().chain(fixed).collect();
    let listed = sums.lines().find_map(|line| {
        let (hash, name) = line.trim().split_once(char::is_whitespace)?;
        let name = name.trim_start().trim_start_matches('*');
        let is_it = ends.iter().any(|end| name == end || name.ends_with(&format!("/{end}")));
        is_it.then(|| hash.to_ascii_lowercase())
    });
    match listed {
        Some(hash) if hash == sum.to_string() => Ok(()),
        Some(hash) => Err(DeployError::usage(format!(
            "--packages: `{path}` has the hash {sum}, and {SUMS} says {hash}: it is damaged or another build; get it again"
        ))),
        None => Err(DeployError::usage(format!(
            "--packages: {SUMS} has no hash for `{path}`: write it again, or remove it"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZIP: &[u8] = b"PK\x03\x04 a package";

    fn files() -> Vec<(Function, String, Vec<u8>)> {
        Function::ALL.map(|one| (one, format!("dist/{}", one.file()), ZIP.to_vec())).to_vec()
    }

    #[test]
    fn hashes_are_those_of_sha256sum() {
        let sum = Sum::of(b"abc");
        assert_eq!(sum.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sum.base64(), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    }

    #[test]
    fn packages_must_have_the_listed_hash() {
        let sum = Sum::of(ZIP);
        let right =
            format!("{sum}  tag-handler.zip\n{} *./session-handler.zip\n", sum.to_string().to_uppercase());
        assert!(Packages::new(files(), Some(&right)).unwrap().checked);
        let built = format!(
            "{sum}  target/lambda/tag-handler/bootstrap.zip\n{sum}  target/lambda/session-handler/bootstrap.zip\n"
        );
        assert!(Packages::new(files(), Some(&built)).unwrap().checked);
        assert!(!Packages::new(files(), None).unwrap().checked);
        for (sums, part) in [
            (format!("{}  tag-handler.zip\n{sum}  session-handler.zip", Sum::of(b"other")), "damaged"),
            (format!("{sum}  tag-handler.zip\n"), "no hash"),
            (format!("{sum}  not-tag-handler.zip\n{sum}  session-handler.zip"), "no hash"),
        ] {
            let error = Packages::new(files(), Some(&sums)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn missing_packages_are_an_error_that_says_how_to_build_them() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let error = Packages::in_first_of(&[folder.path(), other.path()], None).unwrap_err();
        assert!(matches!(&error, DeployError::Usage(text) if text.contains("cargo lambda build")), "{error}");
        fs::create_dir(other.path().join("tag-handler")).unwrap();
        fs::write(other.path().join("tag-handler/bootstrap.zip"), ZIP).unwrap();
        let error = Packages::in_first_of(&[folder.path(), other.path()], None).unwrap_err().to_string();
        assert!(error.contains("`session-handler.zip` is not in"), "{error}");
        fs::write(other.path().join("session-handler.zip"), "no zip").unwrap();
        assert!(Packages::in_folder(other.path(), None).unwrap_err().to_string().contains("not a zip file"));
        fs::write(other.path().join("session-handler.zip"), ZIP).unwrap();
        assert_eq!(Packages::in_first_of(&[folder.path(), other.path()], None).unwrap().all.len(), 2);
    }

    /// The names that `cargo xtask dist` gives.
    #[test]
    fn the_files_of_a_release_are_packages() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str| fs::write(folder.path().join(name), ZIP).unwrap();
        let find = |architecture| Packages::in_folder(folder.path(), architecture);
        for name in
            ["tag-handler-0.1.0-x86_64.zip", "session-handler-0.1.0-x86_64.zip", "autotag-0.1.0-x.tar.gz"]
        {
            put(name);
        }
        let sum = Sum::of(ZIP);
        let sums = format!("{sum}  session-handler-0.1.0-x86_64.zip\n{sum}  tag-handler-0.1.0-x86_64.zip\n");
        fs::write(folder.path().join(SUMS), &sums).unwrap();
        let packages = Packages::in_first_of(&[Path::new("nowhere"), folder.path()], None).unwrap();
        assert_eq!((packages.architecture, packages.checked), (Some("x86_64"), true));
        assert_eq!(find(Some("x86_64")).unwrap().architecture, Some("x86_64"));
        assert!(find(Some("arm64")).unwrap_err().to_string().contains("for arm64"));

        fs::write(folder.path().join(SUMS), sums.replace(&sum.to_string(), &"0".repeat(64))).unwrap();
        assert!(find(None).unwrap_err().to_string().contains("damaged"));
        fs::remove_file(folder.path().join(SUMS)).unwrap();

        put("tag-handler-0.1.0-arm64.zip");
        let error = find(None).unwrap_err().to_string();
        assert!(error.contains("tag-handler-0.1.0-arm64.zip, tag-handler-0.1.0-x86_64.zip"), "{error}");
        assert_eq!(find(Some("x86_64")).unwrap().architecture, Some("x86_64"));
        fs::remove_file(folder.path().join("tag-handler-0.1.0-x86_64.zip")).unwrap();
        assert!(find(None).unwrap_err().to_string().contains("different processors"));

        put("tag-handler.zip");
        put("session-handler.zip");
        assert_eq!(find(None).unwrap().architecture, None);
    }

    #[test]
    fn any_difference_is_another_fingerprint() {
        let packages = Packages::new(files(), None).unwrap();
        let of = |more: &[&str]| packages.fingerprint(more);
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        let mut other = packages.clone();
        other.all[0].sum = Sum::of(b"another");
        assert_ne!(of(&[]), other.fingerprint(&[]));
    }
}
