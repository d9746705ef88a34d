namespace Formation.Inference.Cluster.Workers;

/// <summary>What a worker is for.</summary>
public enum WorkerRole
{
    /// <summary>Waits, with the program started and the weights on disk, until it takes the place of a lost worker.</summary>
    Standby,

    /// <summary>Computes layers that are not the first.</summary>
    Stage,

    /// <summary>Runs the engine: the first layers, the embedding, the output head, the tokenizer and the sampler. Gateways send it requests.</summary>
    Head,

    /// <summary>Computes a share of each of the head's layers together with it, and serves nobody else.</summary>
    Member,
}
