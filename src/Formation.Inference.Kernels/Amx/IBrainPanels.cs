namespace Formation.Inference.Kernels.Amx;

/// <summary>
/// A weight of a linear layer that can be unpacked to bfloat16, in tiles for the matrix unit. Called from several threads at a time.
/// </summary>
internal unsafe interface IBrainPanels
{
    int Outputs { get; }

    int Inputs { get; }

    /// <summary>Writes a part of a strip, which is sixteen outputs, rounded to the nearest bfloat16.</summary>
    /// <param name="strip">Which sixteen outputs; of the last strip some may not exist, and what is written for them has no effect.</param>
    /// <param name="firstInput">A multiple of <see cref="BrainTile.InputsAtOnce"/>.</param>
    /// <param name="inputs">
    /// A multiple of <see cref="BrainTile.Inputs"/>. What lies past the weight's last input is written as zeros.
    /// </param>
    /// <param name="pairs">Shape: (inputs / 2, 16 outputs, 2), which is one tile of weights behind the other.</param>
    void Unpack(int strip, int firstInput, int inputs, ushort* pairs);

    /// <summary>Asks for the memory that <see cref="Unpack"/> is going to read for the same arguments.</summary>
    void Prefetch(int strip, int firstInput, int inputs);
}
