//! Tests of identities and certificates, and of their files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::testing::pem;
use super::{Certificate, Identity, IdentityError, NotUsable};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn an_identity_is_made_once_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("identity.pem");
    let made = Identity::read_or_make(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    let read = Identity::read_or_make(&path).unwrap();
    assert_eq!(made.pin(), read.pin());
    assert_ne!(made.pin(), Identity::generate().unwrap().pin());
    // Nothing else is left beside it.
    let names = fs::read_dir(path.parent().unwrap()).unwrap();
    assert_eq!(names.count(), 1);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(
        Identity::from_pem(text.as_bytes()).unwrap().pin(),
        made.pin()
    );
    let shown = format!("{made:?}");
    assert_eq!(shown, format!("Identity(Pin({}))", made.pin()));
}

#[test]
fn programs_that_start_together_get_one_identity() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identity.pem");
    let pins: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Identity::read_or_make(&path).unwrap().pin()))
            .collect();
        starts.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(pins.iter().all(|pin| *pin == pins[0]), "{pins:?}");
}

#[test]
fn a_file_that_is_no_identity_is_left_alone_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identity.pem");
    let (one, other) = (pem(), pem());
    let end = "-----END CERTIFICATE-----\n";
    let (certificate, key) = one.split_at(one.find(end).unwrap() + end.len());
    let (_, other_key) = other.split_at(other.find(end).unwrap() + end.len());
    for (text, why) in [
        ("", NotUsable::NoCertificate),
        ("nothing", NotUsable::NoCertificate),
        (certificate, NotUsable::NoKey),
        (key, NotUsable::NoCertificate),
        (&one[..300], NotUsable::BadCertificate),
        (&format!("{certificate}{other_key}"), NotUsable::OtherKey),
    ] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let Err(error) = Identity::read_or_make(&path) else {
            panic!("{text}")
        };
        let told = error.to_string();
        let IdentityError::Damaged { why: found, .. } = error else {
            panic!("{told}")
        };
        assert_eq!(found, why);
        assert!(told.contains("identity.pem") && told.contains("delete it"));
        assert!(!told.contains("BEGIN"), "{told}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn an_identity_that_everyone_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identity.pem");
    Identity::read_or_make(&path).unwrap();
    for (mode, is_refused) in [(0o644, true), (0o604, true), (0o640, false), (0o400, false)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let read = Identity::read_or_make(&path);
        assert_eq!(read.is_err(), is_refused, "{mode:o}: {read:?}");
        if let Err(error) = read {
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }
    // A folder is none, and a place where nothing can be made is named.
    assert!(Identity::read_or_make(folder.path()).is_err());
    let nowhere = path.join("identity.pem");
    let error = Identity::read_or_make(&nowhere).unwrap_err().to_string();
    assert!(error.contains("identity.pem"), "{error}");
}

#[test]
fn an_administrator_s_key_must_fit_the_certificate() {
    let (one, other) = (pem(), pem());
    let read = Certificate::from_pem(one.as_bytes(), one.as_bytes());
    assert_eq!(
        format!("{:?}", read.as_ref().unwrap()),
        format!("Certificate({:?})", read.unwrap().pin())
    );
    let mixed = Certificate::from_pem(one.as_bytes(), other.as_bytes());
    assert_eq!(mixed.unwrap_err(), NotUsable::OtherKey);
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("b.pem"));
    fs::write(&certificate, &one).unwrap();
    let missing = Certificate::read(&certificate, &key).unwrap_err();
    assert!(missing.to_string().contains("b.pem"), "{missing}");
    fs::write(&key, &other).unwrap();
    let mixed = Certificate::read(&certificate, &key)
        .unwrap_err()
        .to_string();
    assert!(mixed.contains("does not belong"), "{mixed}");
    assert!(Certificate::read(&certificate, &certificate).is_ok());
}
