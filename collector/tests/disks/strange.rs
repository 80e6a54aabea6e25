//! What somebody else put where the tool keeps its journal: a later version's file, another user's directory, a
//! link, a file.

use crate::scene::*;
use std::path::{Path, PathBuf};

fn warnings(scene: &Scene) -> String {
    scene.status()["warnings"].to_string()
}

fn slot(journal: &Path) -> PathBuf {
    let paths = std::fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    paths.into_iter().find(|path| path.extension().is_some_and(|it| it == "open1")).unwrap()
}

#[test]
fn a_later_versions_file_is_left_alone_and_status_says_so() {
    for map in [false, true] {
        let scene = Scene::new(map);
        scene.speak(&[], "before");
        let path = slot(&scene.state.join("journal"));
        let mut bytes = std::fs::read(&path).unwrap();
        let magic: [u8; 8] = bytes[..8].try_into().unwrap();
        for at in 0..bytes.len() - 8 {
            if bytes[at..at + 8] == magic {
                bytes[at + 6] = b'2';
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        scene.speak(&[], "beside a later version's file");
        assert!(warnings(&scene).contains("newer version"), "{}", warnings(&scene));
        assert!(scene.run(&[], "flush").status.success());
        assert_eq!((scene.vendor.ids().len(), scene.pending(), scene.lost()), (200, 0, 0));
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "not ours to touch");
    }
}

#[test]
fn a_header_that_is_gone_is_said_by_status_and_then_counted() {
    let scene = Scene::new(false);
    scene.speak(&[], "before");
    let path = slot(&scene.state.join("journal"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..200].fill(0xff);
    let header = bytes.iter().position(|byte| *byte != 0xff).unwrap();
    bytes[header..header + 400].fill(0xff);
    std::fs::write(&path, &bytes).unwrap();
    assert!(warnings(&scene).contains("cannot be read"), "{}", warnings(&scene));
    scene.speak(&[], "beside it");
    assert!(scene.run(&[], "flush").status.success());
    assert_eq!((scene.vendor.ids().len(), scene.pending(), scene.lost()), (200, 0, 200));
}

#[test]
fn a_directory_that_is_somebody_elses_or_no_directory_is_not_written_and_status_says_so() {
    use std::os::unix::fs::{chown, symlink};
    for way in ["owner", "link", "file"] {
        let scene = Scene::new(true);
        let journal = scene.state.join("journal");
        let victim = scene.state.join("victim");
        std::fs::create_dir(&victim).unwrap();
        match way {
            "owner" => {
                std::fs::create_dir(&journal).unwrap();
                if chown(&journal, Some(4711), None).is_err() {
                    let test = "a_directory_that_is_somebody_elses_or_no_directory_is_not_written_and_status_says_so";
                    crate::needs::skip(test, "this user cannot give a directory away");
                    continue;
                }
            }
            "link" => symlink(&victim, &journal).unwrap(),
            _ => std::fs::write(&journal, "precious").unwrap(),
        }
        scene.speak(&[], way);
        assert!(scene.send(&[]).status.success(), "{way}");
        assert_ne!(warnings(&scene), "[]", "{way}");
        assert_eq!(std::fs::read_dir(&victim).unwrap().count(), 0, "{way}");
        match way {
            "owner" => assert_eq!(std::fs::read_dir(&journal).unwrap().count(), 0),
            "file" => assert_eq!(std::fs::read(&journal).unwrap(), b"precious"),
            _ => {}
        }
    }
}
