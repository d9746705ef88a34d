namespace Formation.Inference.Engine.Sequences;

/// <summary>Where a sequence stands.</summary>
internal enum SequenceState
{
    /// <summary>Holds no KV block: not admitted yet, or preempted.</summary>
    Waiting,

    /// <summary>Admitted: holds the KV blocks of its whole history.</summary>
    Running,

    /// <summary>Ended, cancelled or failed; holds nothing.</summary>
    Finished,
}
