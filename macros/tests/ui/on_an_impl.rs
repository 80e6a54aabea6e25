struct Tool;

#[telemetry::command]
impl Tool {
    fn run(&self) {}
}

fn main() {}
