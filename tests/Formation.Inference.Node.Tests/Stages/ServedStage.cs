using Formation.Inference.Engine.Stages;
using Formation.Inference.Node.Stages.Chain;
using Formation.Inference.Node.Stages.Serving;
using Formation.Inference.Node.Stages.Transports;

namespace Formation.Inference.Node.Tests.Stages;

/// <summary>One stage on a socket.</summary>
internal class ServedStage : IDisposable
{
    readonly LocalStage _stage;
    readonly StageListener _listener;
    bool _isDisposed;

    public ServedStage(LocalStage stage, StageServerOptions options, IStageDialer dialer, TimeProvider time, string path, bool acceptsLinks = true)
    {
        _stage = stage;
        Compute = new WatchedStage(stage);
        Server = new StageServer(Compute, options with { OnConnectionEnded = Note }, dialer, time);
        _listener = StageListener.Unix(path, Server.Accept);
        Endpoint = new StageEndpoint(Path.GetFileNameWithoutExtension(path), stage.Layers, _listener.Address, PeerIdentity.SameHost)
        {
            AcceptsLinks = acceptsLinks,
        };
    }

    public StageServer Server { get; }

    public WatchedStage Compute { get; }

    public StageEndpoint Endpoint { get; }

    /// <summary>Why connections to it have ended.</summary>
    public List<string> Endings { get; } = [];

    /// <summary>Whether a connection to it has ended for a reason like this. The other side may know of the end a moment earlier.</summary>
    public bool HasEnded(string reason)
    {
        lock (Endings)
            return Endings.Exists(ending => ending.Contains(reason, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Called when a connection has ended, before the stage does anything about it.</summary>
    public Action Ending { get; set; } = static () => { };

    /// <summary>Ends it like a process that is killed: its sockets close, and nobody hears why.</summary>
    public void Kill() => Dispose();

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _listener.Dispose();
        End();

        // The connections end before a batch that is held back goes on, as they do when a process ends in the middle of one.
        var ended = Task.Run(Server.Dispose);
        if (!ended.Wait(TimeSpan.FromMilliseconds(100)))
            Compute.Gate.Set();
        ended.Wait();
        _stage.Dispose();
    }

    /// <summary>Ends what else would keep a batch waiting.</summary>
    protected virtual void End()
    {
    }

    void Note(string reason)
    {
        Ending();
        lock (Endings)
            Endings.Add(reason);
    }
}
