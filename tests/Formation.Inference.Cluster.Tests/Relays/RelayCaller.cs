using System.IO.Pipelines;
using Formation.Inference.Cluster.Identity;
using Formation.Inference.Cluster.Relays;

namespace Formation.Inference.Cluster.Tests.Relays;

/// <summary>Somebody with a connection to a relay: a test says and reads at the one end, the relay has the other.</summary>
sealed class RelayCaller
{
    private readonly Pipe _toRelay = new(new PipeOptions(pauseWriterThreshold: 4096, resumeWriterThreshold: 2048));
    private readonly Pipe _fromRelay = new(new PipeOptions(pauseWriterThreshold: 4096, resumeWriterThreshold: 2048));
    private readonly CancellationTokenSource _closed = new();

    public RelayCaller(RelayService relay, KeyPin pin)
    {
        Serving = relay.ServeAsync(new RelayEnd(pin, _toRelay.Reader, _fromRelay.Writer, Abort), _closed.Token);
    }

    /// <summary>Ends when the relay is done with this connection.</summary>
    public Task Serving { get; }

    public bool IsAborted { get; private set; }

    public static RelayCaller Calls(RelayService relay, KeyPin pin, KeyPin target)
    {
        var caller = new RelayCaller(relay, pin);
        caller.Say(RelayProtocol.Question(RelayAsk.Call, target.ToBytes()));
        return caller;
    }

    public static RelayCaller Answers(RelayService relay, KeyPin pin, byte[] ticket)
    {
        var caller = new RelayCaller(relay, pin);
        caller.Say(RelayProtocol.Question(RelayAsk.Answer, ticket));
        return caller;
    }

    /// <summary>Writes without waiting for room.</summary>
    public void Say(params byte[] bytes) => _ = _toRelay.Writer.WriteAsync(bytes).AsTask();

    /// <summary>Writes, and waits for room.</summary>
    public Task SayAsync(byte[] bytes) => _toRelay.Writer.WriteAsync(bytes).AsTask();

    public async Task<RelayStatus> StatusAsync()
    {
        Assert.True(RelayProtocol.TryReadAnswer(await ReadAsync(RelayProtocol.AnswerBytes), out var status));
        return status;
    }

    public async Task<byte[]> ReadAsync(int count)
    {
        var read = await _fromRelay.Reader.ReadAtLeastAsync(count).AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        var bytes = System.Buffers.BuffersExtensions.ToArray(read.Buffer.Slice(0, Math.Min(count, read.Buffer.Length)));
        _fromRelay.Reader.AdvanceTo(read.Buffer.GetPosition(bytes.Length));
        return bytes;
    }

    public void Close() => _toRelay.Writer.Complete();

    private void Abort()
    {
        IsAborted = true;
        _closed.Cancel();
        _toRelay.Writer.Complete(new IOException("aborted"));
        _fromRelay.Reader.CancelPendingRead();
        _fromRelay.Reader.Complete(new IOException("aborted"));
    }
}
