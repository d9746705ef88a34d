namespace Formation.Inference.Engine.Serving;

/// <summary>The right to use a loaded model; it stays loaded until this is disposed.</summary>
internal sealed class ModelLease(LoadedModel model, Action release) : IDisposable
{
    Action? _release = release;

    public LoadedModel Model => model;

    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
