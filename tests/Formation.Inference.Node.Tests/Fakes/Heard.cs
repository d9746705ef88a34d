namespace Formation.Inference.Node.Tests.Fakes;

/// <summary>Keeps what was reported, on the thread that reports.</summary>
internal sealed class Heard<T>(List<T> heard) : IProgress<T>
{
    public void Report(T value)
    {
        lock (heard)
            heard.Add(value);
    }
}
