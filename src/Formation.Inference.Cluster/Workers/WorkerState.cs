namespace Formation.Inference.Cluster.Workers;

/// <summary>How far a worker is.</summary>
public enum WorkerState
{
    /// <summary>Its weights are being brought to the node.</summary>
    Fetching,

    /// <summary>Its process starts, or waits as a standby for its layers.</summary>
    Starting,

    /// <summary>Its weights are read into memory.</summary>
    Loading,

    /// <summary>A head that has all of its own, and waits for stages of the other layers.</summary>
    Waiting,

    /// <summary>It works; as a standby, it could at once begin to load.</summary>
    Ready,

    /// <summary>It ended by itself, or can't do what it is to do. It stays in this state until its order is taken back.</summary>
    Failed,
}
