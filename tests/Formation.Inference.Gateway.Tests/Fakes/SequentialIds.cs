using Formation.Inference.Gateway.Telemetry;

namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>Ids 1, 2, 3, so that transcripts can be compared.</summary>
internal sealed class SequentialIds : RequestIds
{
    int _last;

    internal override string Create() => Interlocked.Increment(ref _last).ToString();
}
