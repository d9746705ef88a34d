using Formation.Inference.Gateway.Telemetry;

namespace Formation.Inference.Gateway.Tests.Fakes;

/// <summary>Ids 1, 2, 3, so that transcripts can be compared.</summary>
internal static class SequentialIds
{
    public static RequestIds Create()
    {
        int last = 0;
        return new RequestIds(() => $"{Interlocked.Increment(ref last)}");
    }
}
