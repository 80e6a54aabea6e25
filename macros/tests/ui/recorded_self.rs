struct Tool;

impl Tool {
    #[telemetry::command(record(self))]
    fn run(&self) {}
}

fn main() {
    Tool.run();
}
