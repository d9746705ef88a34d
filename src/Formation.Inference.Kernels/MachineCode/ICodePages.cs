namespace Formation.Inference.Kernels.MachineCode;

/// <summary>Memory that is first written and then executed: the system's, or in tests one that refuses.</summary>
internal unsafe interface ICodePages
{
    /// <summary>Zeroed pages for writing, or null where there are none.</summary>
    byte* TryMap(nuint bytes);

    /// <summary>Makes the pages executable and no longer writable.</summary>
    /// <returns>False where that is refused.</returns>
    bool TryMakeExecutable(byte* pages, nuint bytes);

    void Unmap(byte* pages, nuint bytes);
}
