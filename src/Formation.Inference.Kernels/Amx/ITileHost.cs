namespace Formation.Inference.Kernels.Amx;

/// <summary>What decides whether matrix tiles can be used: the processor and the system, or in tests an invented machine.</summary>
internal interface ITileHost
{
    /// <summary>Whether the processor has tiles of the size and with the instructions that the kernels need.</summary>
    bool ProcessorHasTiles { get; }

    /// <summary>Whether the system can keep tile registers for programs at all.</summary>
    bool SystemOffersTiles { get; }

    /// <summary>Asks the system for tiles, for all threads of this process from now on.</summary>
    bool TryObtainTiles();

    /// <summary>Whether this process can load machine code.</summary>
    bool TryLoadCode();
}
