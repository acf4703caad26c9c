//! One resource is written twice.

use foldhash::HashMap;

use crate::finding::{Finding, Findings};
use crate::mesh::Mesh;
use crate::model::Resource;
use crate::rules::declare_rule;

declare_rule! {
    code: "MWC104",
    slug: "duplicate-resource",
    since: "0.1.0",
    severity: Warning,
    explains: [],
    equivalent: &[],
    kinds: [],
    message: "{resource} is written twice; what is applied last holds",
    message_zh: "{resource} 写了两份，最后 apply 的那份生效",
    confirm: &[
        Confirm {
            id: "live",
            steps: &[
                Command("kubectl get -f FILE -o yaml"),
                Note("The resource is there once, with the fields of the second.", "资源只有一份，内容是后一份的。"),
            ],
        },
    ],
    fixes: &[
        Fix {
            id: "rewrite",
            applicability: Manual,
            steps: &[Note("Keep one of the two.", "两份里只留一份。")],
            verify: CHECK_AGAIN,
        },
    ],
    sources: &[
        "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/",
    ],
}

fn check<'a>(mesh: &Mesh<'a>, findings: &mut Findings<'a>) {
    for namesakes in mesh.namesakes() {
        // Variants of one manifest in several files are alternatives.
        let mut by_file: HashMap<u32, Resource<'a>> = HashMap::default();
        for resource in namesakes.filter(|resource| !resource.name.is_empty()) {
            match by_file.get(&resource.place().file) {
                None => drop(by_file.insert(resource.place().file, resource)),
                Some(former) => findings.add(
                    Finding::new(&resource, resource.name_node())
                        .with("resource", resource.id().to_string())
                        .beside(former, former.name_node()),
                ),
            }
        }
    }
}
