namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>What is being done for a model's weights.</summary>
public enum FetchPhase
{
    /// <summary>Another fetch of the same model on this machine is under way.</summary>
    Waiting,

    /// <summary>Files that are here already are checked.</summary>
    Checking,

    /// <summary>Chunks come over the network.</summary>
    Fetching,

    /// <summary>All that is needed is here.</summary>
    Done,
}

/// <summary>How far it is.</summary>
/// <param name="BytesDone">Bytes of the phase that are checked or here.</param>
/// <param name="BytesTotal">Bytes of the phase: whole chunks that the part needs.</param>
public readonly record struct FetchProgress(FetchPhase Phase, long BytesDone, long BytesTotal);
