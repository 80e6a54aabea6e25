#[telemetry::command]
async fn build(shared: std::rc::Rc<u8>) -> u8 {
    std::future::ready(()).await;
    *shared
}

fn sent<T: Send>(_: T) {}

fn main() {
    sent(build(std::rc::Rc::new(1)));
}
