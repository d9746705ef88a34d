namespace Formation.Inference.Engine.Devices;

/// <summary>A rotary embedding with its scaling worked in: pair i at position p turns by p · <see cref="Frequencies"/>[i].</summary>
/// <param name="Frequencies">Radians a position, one for each pair of values.</param>
/// <param name="Magnitude">Multiplies the turned values; 1 except with YaRN.</param>
public sealed record RotaryFrequencies(ReadOnlyMemory<double> Frequencies, double Magnitude)
{
    public int Pairs => Frequencies.Length;
}
